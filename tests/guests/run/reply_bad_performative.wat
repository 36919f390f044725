;; Replies with a performative that FIPA does not know.
(module
  @import reply
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (drop (call $reply `{"performative":"shout","content":1}`)) (i32.const 1)))
