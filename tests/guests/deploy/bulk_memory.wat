;; Uses memory.fill and memory.copy of the bulk memory proposal.
(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 64))
    (memory.copy (i32.const 64) (i32.const 0) (i32.const 64))
    (i32.const 0)))
