;; A whole agent that was linked as a command all the same.
(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0))
  (func (export "_start")))
