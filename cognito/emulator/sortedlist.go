package emulator

import (
	"iter"
	"slices"
	"sort"
)

// blockSize is the number of items at which a block of a sortedList splits: large enough that a million items make a short outer
// list, small enough that an insertion moves little.
const blockSize = 1024

// sortedList keeps items in the order of compare, in blocks: finding costs two binary searches, inserting moves at most one block.
type sortedList[T any] struct {
	compare func(a, b T) int
	blocks  [][]T // none of them empty
	n       int
}

// search returns the position of the first item for which reached holds; reached must be false for a prefix of the list.
func (l *sortedList[T]) search(reached func(T) bool) (block, at int) {
	block = sort.Search(len(l.blocks), func(i int) bool { b := l.blocks[i]; return reached(b[len(b)-1]) })
	if block < len(l.blocks) {
		b := l.blocks[block]
		at = sort.Search(len(b), func(i int) bool { return reached(b[i]) })
	}
	return block, at
}

func (l *sortedList[T]) insert(item T) {
	l.n++
	if len(l.blocks) == 0 {
		l.blocks = append(l.blocks, []T{item})
		return
	}
	block, at := l.search(func(x T) bool { return l.compare(x, item) >= 0 })
	if block == len(l.blocks) {
		block--
		at = len(l.blocks[block])
	}
	b := slices.Insert(l.blocks[block], at, item)
	l.blocks[block] = b
	if len(b) >= blockSize {
		// The upper half moves out; the lower one is clipped so that it grows into memory of its own.
		half := len(b) / 2
		rest := slices.Clone(b[half:])
		clear(b[half:])
		l.blocks[block] = b[:half]
		l.blocks = slices.Insert(l.blocks, block+1, rest)
	}
}

// remove takes out the item that compares equal, and says whether there was one.
func (l *sortedList[T]) remove(item T) bool {
	block, at := l.search(func(x T) bool { return l.compare(x, item) >= 0 })
	if block == len(l.blocks) || l.compare(l.blocks[block][at], item) != 0 {
		return false
	}
	l.n--
	if b := slices.Delete(l.blocks[block], at, at+1); len(b) > 0 {
		l.blocks[block] = b
	} else {
		l.blocks = slices.Delete(l.blocks, block, block+1)
	}
	return true
}

// build replaces the list's items by items, which are in order.
func (l *sortedList[T]) build(items []T) {
	l.n = len(items)
	l.blocks = nil
	for chunk := range slices.Chunk(items, blockSize/2) {
		l.blocks = append(l.blocks, slices.Clone(chunk))
	}
}

// from yields the items, in order, beginning with the first one for which reached holds.
func (l *sortedList[T]) from(reached func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		block, at := l.search(reached)
		for ; block < len(l.blocks); block++ {
			for _, item := range l.blocks[block][at:] {
				if !yield(item) {
					return
				}
			}
			at = 0
		}
	}
}
