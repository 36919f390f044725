"""Samples of the three marks: each rule must fire on the bad and be still on the good."""

import pytest

from tests.tidy.sources import Rule
from tests.tidy.test_marks import ordered_fields, unordered_atomics, unowned_pointers, unsafe_steps

BAD: list[tuple[Rule, str]] = [
    (unowned_pointers, "cdef struct Node:\n    int x\n    Node* next\n"),
    (unowned_pointers, "cdef struct Node:\n    char *name   # the name\n"),
    (unowned_pointers, "cdef struct Node:\n    const char** names\n"),
    (unowned_pointers, "cdef class Pool:\n    cdef Node* head\n"),
    (
        unowned_pointers,
        "cdef extern from 'a.h':\n    struct A:\n        int* x\n\ncdef struct B:\n    int* x\n",
    ),
    (unowned_pointers, "# owned\ncdef struct Node:\n    int x\n    Node* next\n"),
    (unordered_atomics, "cdef int f(uint32_t* p) noexcept nogil:\n    return load_u32_acquire(p)\n"),
    (unordered_atomics, "cdef void f(uint32_t* p) noexcept nogil:\n    store_u32_seq(p, 1)\n"),
    (unordered_atomics, "def f():\n    while not cas_ptr(&head, &old, new):\n        pass\n"),
    (unordered_atomics, "    # ORDERING: far away\n" + "    x = 1\n" * 6 + "    swap_ptr_seq(p, q)\n"),
    (
        unordered_atomics,
        "cdef void g():\n    # ORDERING: of another\n    x()\n"
        + "\n" * 6
        + "cdef void f():\n    cas_u32(p, q, 1)\n",
    ),
    (unsafe_steps, "def run(self):\n    with nogil:\n        work()\n"),
    (unsafe_steps, "cdef Slot* slot(void* p) noexcept nogil:\n    return <Slot*>p\n"),
    (unsafe_steps, "    x = <const Slot *> context\n"),
]

GOOD: list[tuple[Rule, str]] = [
    (unowned_pointers, "cdef struct Node:\n    Node* next   # borrowed\n    int x\n"),
    (unowned_pointers, "cdef struct Node:\n    # OWNERSHIP: the pool frees it in close.\n    Node* next\n"),
    (unowned_pointers, "cdef extern from 'a.h' nogil:\n    struct A:\n        int* x\n"),
    (unowned_pointers, "cdef struct A:\n    int (*call)(int*)\n    int x   # 2 * 3\ncdef int* f(A* a)\n"),
    (
        unordered_atomics,
        "    # ORDERING: pairs with push.\n" + "    x = 1\n" * 5 + "    swap_ptr_seq(p, q)\n",
    ),
    (unordered_atomics, "    add_u64_relaxed(&count, 1)\n    pool_release(p)\n    budget_acquire(p)\n"),
    (
        unordered_atomics,
        'cdef void f():\n    """Do.\n\n    ORDERING: yes.\n    """\n'
        + "    x = 1\n" * 9
        + "    cas_u32(p, q, 1)\n",
    ),
    (unordered_atomics, "# ORDERING: yes.\ncdef void f():\n" + "    x = 1\n" * 9 + "    cas_u32(p, q, 1)\n"),
    (unordered_atomics, "from caxton._core.atomics cimport cas_u32, load_u32_acquire\n"),
    (
        unsafe_steps,
        "def run(self):\n    # SAFETY: the core outlives its workers.\n    with nogil:\n        work()\n",
    ),
    (unsafe_steps, "cdef int f() noexcept nogil:\n    return 1\n"),
    (unsafe_steps, "    p = <Slot*>malloc(8)\n    q = <void*>p\n    r = <char*>p + 1\n"),
    (unsafe_steps, "    p = <Slot*>context  # SAFETY: registered with a Slot.\n"),
]


@pytest.mark.parametrize(("rule", "sample"), BAD)
def test_a_bad_sample_is_found(rule: Rule, sample: str) -> None:
    assert list(rule("_core/a.pyx", sample)) != []


@pytest.mark.parametrize(("rule", "sample"), GOOD)
def test_a_good_sample_is_left_alone(rule: Rule, sample: str) -> None:
    assert list(rule("_core/a.pyx", sample)) == []


def test_a_field_that_tells_what_it_orders_speaks_for_its_uses() -> None:
    page = (
        "cdef struct Slot:\n    uint32_t state    # ORDERING: publishes the sandbox\n    uint32_t other\n"
        "    # ORDERING: publishes the entries\n    uint64_t heads[4]\n"
    )
    fields = list(ordered_fields("_core/a.pxd", page))
    assert fields == ["state", "heads"]
    uses = "def f():\n    store_u32_release(&slot.state, 1)\n    x = load_u64_acquire(&a.heads[i + 1])\n"
    assert list(unordered_atomics("_core/a.pyx", uses)) != []
    assert list(unordered_atomics("_core/a.pyx", uses, fields)) == []
    assert list(unordered_atomics("_core/a.pyx", uses + "    cas_u32(&slot.other, p, 1)\n", fields)) != []
