;; Asks the capability that its config key "wants" names to handle each request that it gets: sends a request with
;; the whole incoming message as its content and the reply_with "my-word". Whatever else it gets it sends on, whole,
;; as the content of an inform to the agent that "report" names.
(module
  @import config_get fetch send
  @include agent
  @include text
  (func $put_config (param $key i32) (param $key_len i32) (result i32)
    (local $len i32)
    (local.set $len (call $config_get (local.get $key) (local.get $key_len)))
    (if (i32.lt_s (local.get $len) (i32.const 1)) (then (return (i32.const 0))))
    (if (i32.gt_s (local.get $len) (i32.const 255)) (then (return (i32.const 0))))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $len)))
    (call $put (i32.const 0) (local.get $len))
    (i32.const 1))
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (if (i32.gt_u (local.get $len) (i32.const 7000)) (then (return (i32.const -4))))
    (call $start_text)
    ;; The text begins {"id":"(36 bytes)","performative":" and a request is the only act with a q in the third place.
    (if (i32.eq (i32.load8_u offset=63 (local.get $ptr)) (i32.const 113))
      (then
        (call $put `{"performative":"request","reply_with":"my-word","receiver":{"capability":"`)
        (if (i32.eqz (call $put_config `wants`)) (then (return (i32.const -4))))
        (call $put `"},"content":`))
      (else
        (call $put `{"performative":"inform","receiver":"`)
        (if (i32.eqz (call $put_config `report`)) (then (return (i32.const 0))))
        (call $put `","content":`)))
    (call $put (local.get $ptr) (local.get $len))
    (call $put `}`)
    (call $send (i32.const 8192) (call $text_len))))
