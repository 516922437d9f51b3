// River, measured as the other contenders are.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

type noop struct {
	Payload string `json:"payload"`
}

func (noop) Kind() string { return "noop" }

type worker struct {
	river.WorkerDefaults[noop]
	worked   atomic.Int64
	all      int64
	finished chan struct{}
}

func (worker *worker) Work(context.Context, *river.Job[noop]) error {
	if worker.worked.Add(1) == worker.all {
		close(worker.finished)
	}
	return nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func rate(count int, work func()) float64 {
	began := time.Now()
	work()
	return float64(count) / time.Since(began).Seconds()
}

func main() {
	var one, callers, each, batch int
	_, err := fmt.Sscan(strings.TrimSpace(os.Getenv("SSF_BENCH_SIZES")), &one, &callers, &each, &batch)
	check(err)
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(os.Args[1])
	check(err)
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(ctx, config)
	check(err)
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, nil)
	check(err)
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	check(err)

	all := one + callers*each + batch
	noops := &worker{all: int64(all), finished: make(chan struct{})}
	workers := river.NewWorkers()
	river.AddWorker(workers, noops)
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 64}}
	client, err := river.NewClient[pgx.Tx](driver, &river.Config{Queues: queues, Workers: workers, FetchCooldown: river.FetchCooldownMin, FetchPollInterval: 10 * time.Millisecond})
	check(err)

	args := noop{Payload: strings.Repeat("x", 1024)}
	enqueue := func(times int) {
		for range times {
			_, err := client.Insert(ctx, args, nil)
			check(err)
		}
	}
	rates := map[string]float64{}
	rates["one"] = rate(one, func() { enqueue(one) })
	rates["callers"] = rate(callers*each, func() {
		var group sync.WaitGroup
		for range callers {
			group.Go(func() { enqueue(each) })
		}
		group.Wait()
	})
	jobs := make([]river.InsertManyParams, batch)
	for number := range jobs {
		jobs[number] = river.InsertManyParams{Args: args}
	}
	rates["batch"] = rate(batch, func() {
		_, err := client.InsertManyFast(ctx, jobs)
		check(err)
	})
	rates["work"] = rate(all, func() {
		check(client.Start(ctx))
		<-noops.finished
		// It completes what has ended.
		check(client.Stop(ctx))
	})
	check(json.NewEncoder(os.Stdout).Encode(rates))
}
