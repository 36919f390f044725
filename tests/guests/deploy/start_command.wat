;; A program with a main function, not an agent.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
