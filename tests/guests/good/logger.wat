;; Logs one line at each of the five levels for every message.
(module
  @import log
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $log (i32.const 0) `a trace line`)
    (call $log (i32.const 1) `a debug line`)
    (call $log (i32.const 2) `an info line`)
    (call $log (i32.const 3) `a warn line`)
    (call $log (i32.const 4) `an error line: ü is two bytes`)
    (i32.const 0)))
