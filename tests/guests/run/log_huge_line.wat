;; Logs its whole first page as one line (64 KiB, not UTF-8), then replies.
(module
  @import reply log
  @include agent
  @include answer
  (data (i32.const 0) "\ff\fe\00\0a")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (call $log (i32.const 2) (i32.const 0) (i32.const 65536)) (call $reply_number (i64.const 1))))
