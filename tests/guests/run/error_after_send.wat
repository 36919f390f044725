;; Sends to "flood-target" and returns -4: an agent error after a send.
(module
  @import send
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $send `{"performative":"inform","receiver":"flood-target","content":"after an error"}`))
    (i32.const -4)))
