;; Isolation: replies with the sum of every word of its memory above the incoming message's page, without
;; writing any. Fresh memory gives 0.
(module
  @import reply
  @include answer
  (memory (export "memory") 4)
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param $len i32) (result i32)
    (if (i32.gt_u (local.get $len) (i32.const 32768)) (then (return (i32.const 0))))
    (i32.const 16384))
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $at i32) (local $sum i64)
    (local.set $at (i32.const 65536))
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 262144))))
    (call $reply_number (local.get $sum))))
