;; Replies with a well-formed message of more than 10 MB (a string of 'a').
(module
  @import reply
  @include agent
  (data (i32.const 0) "{\"performative\":\"inform\",\"content\":\"")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (local $at i32)
    (if (i32.eq (memory.grow (i32.const 160)) (i32.const -1)) (then (return (i32.const -4))))
    (local.set $at (i32.const 36))
    (loop $fill
      (i64.store (local.get $at) (i64.const 0x6161616161616161))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 10485796))))
    (i32.store16 (local.get $at) (i32.const 0x7d22)) ;; "}
    (drop (call $reply (i32.const 0) (i32.add (local.get $at) (i32.const 2))))
    (i32.const 1)))
