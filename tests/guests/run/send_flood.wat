;; Sends to itself's neighbour "flood-target" without end, ignoring every refusal.
(module
  @import send
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (loop $again
      (drop (call $send `{"performative":"inform","receiver":"flood-target","content":"x"}`))
      (br $again))
    (unreachable)))
