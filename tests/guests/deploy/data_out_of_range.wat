;; An active data segment lies outside of the memory: the instance cannot be made.
(module
  @include agent
  (data (i32.const 65534) "four")
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
