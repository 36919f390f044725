;; Throws an exception of the exceptions proposal.
(module
  @include agent
  (tag $oops)
  (func (export "handle_message") (param i32 i32) (result i32) (throw $oops)))
