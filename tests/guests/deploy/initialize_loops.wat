;; The reactor's _initialize never ends.
(module
  @include agent
  (func (export "_initialize") (loop $again (br $again)))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
