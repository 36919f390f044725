;; Takes every message and never answers.
(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
