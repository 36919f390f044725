;; Sends 100,000 messages to "flood-target", then reports: {"value": how many send refused}.
(module
  @import reply send
  @include agent
  @include answer
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (local $left i32) (local $refused i64)
    (local.set $left (i32.const 100000))
    (loop $again
      (if (i32.lt_s (call $send `{"performative":"inform","receiver":"flood-target","content":"x"}`) (i32.const 0))
        (then (local.set $refused (i64.add (local.get $refused) (i64.const 1)))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (call $reply_number (local.get $refused))))
