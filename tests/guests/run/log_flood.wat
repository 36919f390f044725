;; Logs without end.
(module
  @import log
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (loop $again (call $log (i32.const 4) `a line too many`) (br $again)) (unreachable)))
