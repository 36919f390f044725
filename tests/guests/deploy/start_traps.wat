;; The start function traps; found when a trial instance is made.
(module
  @include agent
  (func $start (unreachable))
  (start $start)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
