// SPDX-License-Identifier: GPL-2.0
/* The same fault in every context that kernel code runs in. */
#define pr_fmt(fmt) "crashme: " fmt
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include "crashme.h"

/* Each caller stores another value: gcc folds functions that are equal (-fipa-icf). */
INLINED void store_at_null(int value)
{
	WRITE_ONCE(*(int *)null_pointer(), value); /* @store_at_null */
}

static void irq_callback(struct irq_work *work)
{
	store_at_null(1); /* @irq_callback */
}

FRAME void cr_irq(void)
{
	static struct irq_work work;

	init_irq_work(&work, irq_callback);
	irq_work_queue(&work);
	ssleep(1);
}

static struct timer_list timer;
static void timer_callback(struct timer_list *unused)
{
	store_at_null(2); /* @timer_callback */
}

FRAME void cr_timer(void)
{
	timer_setup(&timer, timer_callback, 0);
	mod_timer(&timer, jiffies + HZ / 10);
	ssleep(1);
}

static enum hrtimer_restart hrtimer_callback(struct hrtimer *unused)
{
	store_at_null(3); /* @hrtimer_callback */
	return HRTIMER_NORESTART;
}

FRAME void cr_hrtimer(void)
{
	static struct hrtimer hrtimer;

	hrtimer_init(&hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer.function = hrtimer_callback;
	hrtimer_start(&hrtimer, ms_to_ktime(50), HRTIMER_MODE_REL);
	ssleep(1);
}

static void tasklet_callback(struct tasklet_struct *unused)
{
	store_at_null(4); /* @tasklet_callback */
}

FRAME void cr_softirq(void)
{
	static struct tasklet_struct tasklet;

	tasklet_setup(&tasklet, tasklet_callback);
	tasklet_schedule(&tasklet);
	ssleep(1);
}

static void work_callback(struct work_struct *unused)
{
	store_at_null(5); /* @work_callback */
}

FRAME void cr_work(void)
{
	static DECLARE_WORK(work, work_callback);

	schedule_work(&work);
	ssleep(1);
}

static int thread_function(void *unused)
{
	store_at_null(6); /* @thread_function */
	return 0;
}

FRAME void cr_kthread(void)
{
	/* A task may be named with a blank, a slash and a colon. */
	kthread_run(thread_function, NULL, "crash thread/0:1");
	ssleep(1);
}

static void ipi_callback(void *unused)
{
	store_at_null(7); /* @ipi_callback */
}

FRAME void cr_ipi(void)
{
	smp_call_function_single(!raw_smp_processor_id(), ipi_callback, NULL, 1);
	ssleep(1);
}

static void rcu_callback(struct rcu_head *unused)
{
	store_at_null(8); /* @rcu_callback */
}

FRAME void cr_rcu(void)
{
	static struct rcu_head head;

	call_rcu(&head, rcu_callback);
	ssleep(2);
}

const struct crash_command context_commands[] = {
	COMMAND(irq), COMMAND(timer), COMMAND(hrtimer), COMMAND(softirq), COMMAND(work), COMMAND(kthread),
	COMMAND(ipi), COMMAND(rcu), {}
};
