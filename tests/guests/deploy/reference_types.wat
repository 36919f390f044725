;; Uses the reference types proposal: a table of externref.
(module
  @include agent
  (table 1 externref)
  (func (export "handle_message") (param i32 i32) (result i32)
    (ref.is_null (table.get 0 (i32.const 0)))))
