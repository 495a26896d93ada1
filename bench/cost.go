package main

import (
	"slices"
	"time"
)

// cost is the time, memory and space that one run took.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // peak of the largest process, bytes
	added     int64 // growth of the repository, bytes
}

// median returns the median of each figure. The figures may come from different runs.
func median(costs []cost) cost {
	return cost{
		wall:  middle(costs, func(c cost) time.Duration { return c.wall }),
		cpu:   middle(costs, func(c cost) time.Duration { return c.cpu }),
		rss:   middle(costs, func(c cost) int64 { return c.rss }),
		added: middle(costs, func(c cost) int64 { return c.added }),
	}
}

func middle[T ~int64](costs []cost, figure func(cost) T) T {
	if len(costs) == 0 {
		return 0
	}
	var all []T
	for _, c := range costs {
		all = append(all, figure(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
