  ;; Text building for agents that import reply.
  @include text
  ;; Replies {"performative":"inform","content":{"value":N}} and returns 1.
  (func $reply_number (param $n i64) (result i32)
    (call $start_text)
    (call $put `{"performative":"inform","content":{"value":`)
    (call $put_number (local.get $n))
    (call $put `}}`)
    (drop (call $reply (i32.const 8192) (call $text_len)))
    (i32.const 1))
