;; Imports a host function's name as a global.
(module
  (import "caxton_v1" "now_ms" (global i64))
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
