;; caxton_init says that it does not want to start.
(module
  @include agent
  (func (export "caxton_init") (result i32) (i32.const -4))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
