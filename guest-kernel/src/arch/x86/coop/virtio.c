// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio transport: a page of the shared area per device, a doorbell per notification, an event per interrupt.
 *
 * Rings are ordinary guest memory; guest-physical addresses are host-physical ones, so no translation is involved. A device's model
 * runs in a process of the host's: what it writes is checked, and one that stops answering breaks its device, not the guest.
 */
#include <linux/device.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <asm/tsc.h>

#include "coop.h"

#define ANSWER_SECONDS 30

struct coop_virtio {
	struct virtio_device device;
	struct coop_device_page *page;
	unsigned int index;
	bool dead;
	struct virtqueue *queues[COOP_MAX_QUEUES];
};

static struct coop_virtio *devices[COOP_MAX_DEVICES];
static struct device *parent;

static struct coop_virtio *to_coop(struct virtio_device *device)
{
	return container_of(device, struct coop_virtio, device);
}

static u64 get_features(struct virtio_device *device)
{
	return READ_ONCE(to_coop(device)->page->device_features);
}

static int finalize_features(struct virtio_device *device)
{
	vring_transport_features(device);
	if (!__virtio_test_bit(device, VIRTIO_F_VERSION_1)) {
		dev_err(&device->dev, "the device does not offer VIRTIO_F_VERSION_1\n");
		return -EINVAL;
	}
	WRITE_ONCE(to_coop(device)->page->driver_features, device->features);
	return 0;
}

/* Drivers ask for fields that their features promise; a device that keeps config shorter than that is at fault. */
static bool config_valid(struct coop_virtio *coop, unsigned int offset, unsigned int length)
{
	unsigned int size = min_t(unsigned int, READ_ONCE(coop->page->config_size), sizeof(coop->page->config));

	if (offset <= size && length <= size - offset)
		return true;
	dev_warn_once(&coop->device.dev, "config access %u+%u is beyond its %u bytes\n", offset, length, size);
	return false;
}

static void get_config(struct virtio_device *device, unsigned int offset, void *buffer, unsigned int length)
{
	struct coop_virtio *coop = to_coop(device);
	const void *field = coop->page->config + offset;

	if (!config_valid(coop, offset, length)) {
		memset(buffer, 0, length);
		return;
	}
	/* A field of a natural size is read as one, so that it is never seen half-written. */
	switch (length) {
	case 2:
		*(u16 *)buffer = READ_ONCE(*(const u16 *)field);
		break;
	case 4:
		*(u32 *)buffer = READ_ONCE(*(const u32 *)field);
		break;
	case 8:
		*(u64 *)buffer = READ_ONCE(*(const u64 *)field);
		break;
	default:
		memcpy(buffer, field, length);
	}
	/* Pairs with the device's write of config_generation, which the caller reads next. */
	virt_rmb();
}

static void set_config(struct virtio_device *device, unsigned int offset, const void *buffer, unsigned int length)
{
	struct coop_virtio *coop = to_coop(device);

	if (!config_valid(coop, offset, length))
		return;
	memcpy(coop->page->config + offset, buffer, length);
	coop_doorbell(COOP_DOORBELL_NOTIFY, coop->index, COOP_QUEUE_CONFIG, 0);
}

static u64 answer_deadline(void)
{
	return rdtsc() + coop_shared->tsc_khz * MSEC_PER_SEC * ANSWER_SECONDS;
}

static bool passed(u64 deadline)
{
	return (s64)(rdtsc() - deadline) > 0;
}

static void give_up(struct coop_virtio *coop, const char *what, u8 value)
{
	dev_err(&coop->device.dev, "no answer to %s %#x in %d s; giving the device up\n", what, value, ANSWER_SECONDS);
	coop->dead = true;
	virtio_break_device(&coop->device);
}

static u32 generation(struct virtio_device *device)
{
	struct coop_virtio *coop = to_coop(device);
	u64 deadline = answer_deadline();
	u32 value;

	/* Odd while the device changes its configuration. */
	while ((value = READ_ONCE(coop->page->config_generation)) & 1) {
		if (coop->dead)
			break;
		if (passed(deadline)) {
			give_up(coop, "config generation", value);
			break;
		}
		coop_doorbell(COOP_DOORBELL_YIELD, 0, 0, 0);
	}
	virt_rmb();
	return value;
}

static u8 get_status(struct virtio_device *device)
{
	struct coop_virtio *coop = to_coop(device);

	return coop->dead ? VIRTIO_CONFIG_S_FAILED : READ_ONCE(coop->page->status_seen);
}

/* The device acts on a new status in its own time; nothing may go on before it has answered. */
static void write_status(struct coop_virtio *coop, u8 status)
{
	struct coop_device_page *page = coop->page;
	u64 deadline = answer_deadline();
	u32 command;

	if (coop->dead)
		return;
	WRITE_ONCE(page->status, status);
	command = page->command + 1;
	smp_store_release(&page->command, command);
	coop_doorbell(COOP_DOORBELL_NOTIFY, coop->index, COOP_QUEUE_CONFIG, 0);
	while (smp_load_acquire(&page->command_seen) != command) {
		if (passed(deadline)) {
			give_up(coop, "status", status);
			return;
		}
		coop_doorbell(COOP_DOORBELL_YIELD, 0, 0, 0);
	}
}

static void set_status(struct virtio_device *device, u8 status)
{
	write_status(to_coop(device), status);
}

static void reset(struct virtio_device *device)
{
	write_status(to_coop(device), 0);
}

static bool notify(struct virtqueue *queue)
{
	return coop_doorbell(COOP_DOORBELL_NOTIFY, to_coop(queue->vdev)->index, queue->index, 0) >= 0;
}

/* Interrupts run in RCU read-side sections; afterwards none uses what was unpublished before. */
static void synchronize_callbacks(struct virtio_device *device)
{
	synchronize_rcu();
}

static void delete_queues(struct virtio_device *device)
{
	struct coop_virtio *coop = to_coop(device);
	struct virtqueue *queue, *next;

	list_for_each_entry(queue, &device->vqs, list) {
		WRITE_ONCE(coop->page->queue[queue->index].enabled, 0);
		WRITE_ONCE(coop->queues[queue->index], NULL);
	}
	synchronize_callbacks(device);
	/* A device that never answered its reset may still write to its rings: that memory is given up with it. */
	if (coop->dead) {
		INIT_LIST_HEAD(&device->vqs);
		return;
	}
	list_for_each_entry_safe(queue, next, &device->vqs, list)
		vring_del_virtqueue(queue);
}

static struct virtqueue *create_queue(struct coop_virtio *coop, unsigned int index, const struct virtqueue_info *info)
{
	struct coop_queue *shared;
	struct virtqueue *queue;
	unsigned int size;

	if (index >= min_t(unsigned int, READ_ONCE(coop->page->queues), COOP_MAX_QUEUES))
		return ERR_PTR(-ENOENT);
	shared = &coop->page->queue[index];
	size = READ_ONCE(shared->size_max);
	if (!size)
		return ERR_PTR(-ENOENT);
	if (!is_power_of_2(size)) {
		dev_err(&coop->device.dev, "queue %u: size %u is not a power of two\n", index, size);
		return ERR_PTR(-EINVAL);
	}
	queue = vring_create_virtqueue(index, size, PAGE_SIZE, &coop->device, true, true, info->ctx, notify, info->callback,
				       info->name);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->num_max = size;
	WRITE_ONCE(shared->size, virtqueue_get_vring_size(queue));
	WRITE_ONCE(shared->desc_gpa, virtqueue_get_desc_addr(queue));
	WRITE_ONCE(shared->driver_gpa, virtqueue_get_avail_addr(queue));
	WRITE_ONCE(shared->device_gpa, virtqueue_get_used_addr(queue));
	smp_store_release(&shared->enabled, 1);
	smp_store_release(&coop->queues[index], queue);
	return queue;
}

static int find_queues(struct virtio_device *device, unsigned int count, struct virtqueue *queues[],
		       struct virtqueue_info infos[], struct irq_affinity *affinity)
{
	unsigned int index = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!infos[i].name) {
			queues[i] = NULL;
			continue;
		}
		queues[i] = create_queue(to_coop(device), index++, &infos[i]);
		if (IS_ERR(queues[i])) {
			int error = PTR_ERR(queues[i]);

			delete_queues(device);
			return error;
		}
	}
	return 0;
}

static const char *bus_name(struct virtio_device *device)
{
	return "coop";
}

static const struct virtio_config_ops config_ops = {
	.get = get_config,
	.set = set_config,
	.generation = generation,
	.get_status = get_status,
	.set_status = set_status,
	.reset = reset,
	.find_vqs = find_queues,
	.del_vqs = delete_queues,
	.synchronize_cbs = synchronize_callbacks,
	.get_features = get_features,
	.finalize_features = finalize_features,
	.bus_name = bus_name,
};

void coop_virtio_interrupt(unsigned int index)
{
	struct coop_virtio *coop = smp_load_acquire(&devices[index]);
	unsigned long interrupts;
	unsigned int i;

	if (!coop)
		return;
	interrupts = xchg(&coop->page->interrupts, 0);
	if (interrupts & BIT(COOP_DEVICE_CONFIG_INTERRUPT))
		virtio_config_changed(&coop->device);
	for (i = 0; i < COOP_MAX_QUEUES; i++) {
		struct virtqueue *queue = smp_load_acquire(&coop->queues[i]);

		if ((interrupts & BIT(i)) && queue)
			vring_interrupt(0, queue);
	}
}

static void release(struct device *device)
{
	kfree(to_coop(dev_to_virtio(device)));
}

static int __init add_device(unsigned int index)
{
	struct coop_device_page *page = coop_device(index);
	struct coop_virtio *coop;
	int error;

	if (!page->device_id)
		return 0;
	coop = kzalloc(sizeof(*coop), GFP_KERNEL);
	if (!coop)
		return -ENOMEM;
	coop->page = page;
	coop->index = index;
	coop->device.id.device = page->device_id;
	coop->device.id.vendor = VIRTIO_DEV_ANY_ID;
	coop->device.config = &config_ops;
	coop->device.dev.parent = parent;
	coop->device.dev.release = release;
	smp_store_release(&devices[index], coop);
	error = register_virtio_device(&coop->device);
	if (error) {
		smp_store_release(&devices[index], NULL);
		synchronize_rcu();
		put_device(&coop->device.dev);
	}
	return error;
}

static int __init add_devices(void)
{
	unsigned int index;

	if (!coop_guest)
		return 0;
	parent = root_device_register("coop");
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	for (index = 0; index < min_t(unsigned int, coop_shared->devices, COOP_MAX_DEVICES); index++) {
		int error = add_device(index);

		if (error)
			pr_err("coop: device %u: error %d\n", index, error);
	}
	return 0;
}
device_initcall(add_devices);
