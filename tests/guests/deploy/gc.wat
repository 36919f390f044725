;; Makes a struct of the GC proposal (which builds on function references and reference types).
(module
  @include agent
  (type $point (struct (field i32)))
  (func (export "handle_message") (param i32 i32) (result i32)
    (struct.get $point 0 (struct.new $point (i32.const 0)))))
