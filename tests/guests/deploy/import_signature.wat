;; Imports send with one parameter too few.
(module
  (import "caxton_v1" "send" (func (param i32) (result i32)))
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
