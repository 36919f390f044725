;; The start function never ends.
(module
  @include agent
  (func $start (loop $again (br $again)))
  (start $start)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
