;; The handler takes 64-bit values and returns nothing.
(module
  @include agent
  (func (export "handle_message") (param i64 i64)))
