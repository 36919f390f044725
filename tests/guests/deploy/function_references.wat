;; Calls through a typed function reference.
(module
  @include agent
  (type $nullary (func (result i32)))
  (func $zero (type $nullary) (i32.const 0))
  (elem declare func $zero)
  (func (export "handle_message") (param i32 i32) (result i32)
    (call_ref $nullary (ref.func $zero))))
