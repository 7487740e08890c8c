//! The order in which things come out of a queue.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// Things in an order.
pub trait Order {
    /// What is put in.
    type Item;

    /// Without any.
    fn new() -> Self;

    /// How many there are.
    fn len(&self) -> usize;

    /// Puts one in.
    fn push(&mut self, item: Self::Item);

    /// Takes the next one out.
    fn pop(&mut self) -> Option<Self::Item>;
}

/// First in, first out.
#[derive(Debug)]
pub struct Fifo<T>(VecDeque<T>);

impl<T> Order for Fifo<T> {
    type Item = T;

    fn new() -> Fifo<T> {
        Fifo(VecDeque::new())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn push(&mut self, item: T) {
        self.0.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }
}

/// Last in, first out.
#[derive(Debug)]
pub struct Lifo<T>(Vec<T>);

impl<T> Order for Lifo<T> {
    type Item = T;

    fn new() -> Lifo<T> {
        Lifo(Vec::new())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn push(&mut self, item: T) {
        self.0.push(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }
}

/// The lowest first, and of equals the first that was put in.
#[derive(Debug)]
pub struct Priority<T: Ord> {
    heap: BinaryHeap<Entry<T>>,
    turn: u64,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    turn: u64,
}

impl<T: Ord> Ord for Entry<T> {
    /// Turned around, as the heap gives the highest.
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        let order = other.item.cmp(&self.item);
        order.then_with(|| other.turn.cmp(&self.turn))
    }
}

impl<T: Ord> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Entry<T> {}

impl<T: Ord> Order for Priority<T> {
    type Item = T;

    fn new() -> Priority<T> {
        Priority {
            heap: BinaryHeap::new(),
            turn: 0,
        }
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn push(&mut self, item: T) {
        let turn = self.turn;
        self.turn += 1;
        self.heap.push(Entry { item, turn });
    }

    fn pop(&mut self) -> Option<T> {
        self.heap.pop().map(|entry| entry.item)
    }
}
