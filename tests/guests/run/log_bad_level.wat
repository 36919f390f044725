;; Logs at a level that does not exist, then replies.
(module
  @import reply log
  @include agent
  @include answer
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (call $log (i32.const 99) `odd level`) (call $reply_number (i64.const 1))))
