;; Sends to the agent "flood-target" and replies, then traps: neither may leave.
(module
  @import send reply
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $send `{"performative":"inform","receiver":"flood-target","content":"must not leave"}`))
    (drop (call $reply `{"performative":"inform","content":"must not leave"}`))
    (unreachable)))
