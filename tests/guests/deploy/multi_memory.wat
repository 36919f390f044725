;; Two memories.
(module
  @include agent
  (memory $second 1)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.load $second (i32.const 0))))
