;; A function with two results.
(module
  @include agent
  (func $pair (result i32 i32) (i32.const 1) (i32.const 1))
  (func (export "handle_message") (param i32 i32) (result i32)
    (i32.sub (call $pair))))
