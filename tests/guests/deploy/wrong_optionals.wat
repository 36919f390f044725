;; Every optional export has a wrong signature: six problems at once.
(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0))
  (func (export "caxton_reply") (result i32) (i32.const 0))
  (func (export "caxton_init"))
  (func (export "caxton_timer") (param i32) (result i32) (i32.const 0))
  (func (export "caxton_snapshot") (result i32) (i32.const 0))
  (func (export "caxton_restore") (param i32) (result i32) (i32.const 0))
  (func (export "_initialize") (result i32) (i32.const 0)))
