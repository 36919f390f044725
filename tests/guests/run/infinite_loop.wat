;; Never returns.
(module
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (loop $again (br $again)) (unreachable)))
