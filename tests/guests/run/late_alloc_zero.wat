;; Gives room for its first message (and a trial), then refuses every later one with 0.
(module
  @import reply
  (memory (export "memory") 1)
  @include answer
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param i32) (result i32)
    (if (i32.load (i32.const 512)) (then (return (i32.const 0))))
    (i32.const 16384))
  (func (export "handle_message") (param i32 i32) (result i32)
    (i32.store (i32.const 512) (i32.const 1))
    (call $reply_number (i64.const 1))))
