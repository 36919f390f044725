;; The reactor's _initialize traps.
(module
  @include agent
  (func (export "_initialize") (unreachable))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
