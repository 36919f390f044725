;; Well-formed sections, but the handler leaves nothing on the stack: invalid under every profile.
(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)))
