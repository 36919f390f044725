;; The manifest is not JSON.
(module
  (@custom "caxton" "{\"name\": quiet}")
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
