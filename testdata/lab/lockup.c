// SPDX-License-Identifier: GPL-2.0
/* Tasks and CPUs that stand still. The init script shortens the kernel's patience beforehand. */
#define pr_fmt(fmt) "crashme: " fmt
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include "crashme.h"

INLINED void spin_for(int seconds)
{
	unsigned long end = jiffies + seconds * HZ;

	while (time_before(jiffies, end)) /* @spin_for.test */
		cpu_relax(); /* @spin_for */
}

FRAME void cr_soft_lockup(void)
{
	preempt_disable();
	spin_for(14); /* @cr_soft_lockup */
	preempt_enable();
}

FRAME void cr_rcu_stall(void)
{
	rcu_read_lock();
	preempt_disable();
	spin_for(9); /* @cr_rcu_stall */
	preempt_enable();
	rcu_read_unlock();
}

static DECLARE_COMPLETION(never);
FRAME void cr_hung_task(void)
{
	wait_for_completion_timeout(&never, 14 * HZ); /* @cr_hung_task */
	barrier();
}

static DEFINE_MUTEX(contended);
FRAME int hung_waiter(void *unused)
{
	mutex_lock(&contended); /* @hung_waiter */
	mutex_unlock(&contended);
	return 0;
}

FRAME void cr_hung_mutex(void)
{
	mutex_lock(&contended);
	kthread_run(hung_waiter, NULL, "hung waiter");
	ssleep(14); /* @cr_hung_mutex */
	mutex_unlock(&contended);
}

const struct crash_command lockup_commands[] = {
	COMMAND(soft_lockup), COMMAND(rcu_stall), COMMAND(hung_task), COMMAND(hung_mutex), {}
};
