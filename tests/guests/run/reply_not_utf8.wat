;; Replies with a string that is not UTF-8.
(module
  @import reply
  @include agent
  (data (i32.const 0) "{\"performative\":\"inform\",\"content\":\"\ff\"}")
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (drop (call $reply (i32.const 0) (i32.const 38))) (i32.const 1)))
