;; Asks for more memory for ever, whatever the host says.
(module
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (loop $more (drop (memory.grow (i32.const 1))) (br $more)) (unreachable)))
