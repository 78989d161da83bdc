// SPDX-License-Identifier: GPL-2.0
/*
 * I2C bus 1 with a screen at 0x3c and an encoder breakout at 0x0f, at the pace of a bus of 400 kHz.
 *
 * The screen takes whatever is written. The breakout is 256 registers: a write sets the pointer and then registers, a
 * read gives them. What it means is checked afterwards, by the chips of tests/device/fake_smbus.py, from debugfs:
 * fake_i2c/log holds each write as a time (8 bytes, CLOCK_MONOTONIC in ns), an address, a count (2 bytes each), and bytes.
 *
 * /sys/module/fake_i2c/parameters: `screen` and `encoder` say whether they are plugged in; `turned` is the breakout's
 * count. `reset` puts it back to what it is after power-on.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/i2c.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#define SCREEN 0x3c
#define ENCODER 0x0f
#define COUNT 0x06
#define LOG_BYTES (16 << 20)
#define NS_PER_BYTE (9 * 2500)

static bool screen = true;
module_param(screen, bool, 0644);
static bool encoder = true;
module_param(encoder, bool, 0644);

static u8 registers[256];
static u8 pointer;
static struct debugfs_blob_wrapper log;
static struct dentry *folder;

static void power_on(void)
{
	memset(registers, 0, sizeof(registers));
	registers[0xfa] = 0x6a;
	registers[0xfb] = 0xe2;
	/* Bits that belong to other parts of the chip (FakeBreakout.FOREIGN). */
	registers[0x71] = registers[0x72] = 0x04;
	registers[0x73] = registers[0x74] = 0x48;
	registers[0x96] = 0x01;
	registers[0x9e] = 0x08;
}

static int set_turned(const char *text, const struct kernel_param *parameter)
{
	int value, status = kstrtoint(text, 0, &value);

	if (!status)
		registers[COUNT] = value;
	return status;
}

static int get_turned(char *text, const struct kernel_param *parameter)
{
	return sprintf(text, "%d\n", registers[COUNT]);
}

static int set_reset(const char *text, const struct kernel_param *parameter)
{
	power_on();
	return 0;
}

static const struct kernel_param_ops turned_ops = { .set = set_turned, .get = get_turned };
module_param_cb(turned, &turned_ops, NULL, 0644);
static const struct kernel_param_ops reset_ops = { .set = set_reset };
module_param_cb(reset, &reset_ops, NULL, 0200);

static void note(u16 address, const u8 *bytes, u16 count)
{
	u64 now = ktime_get_ns();
	u8 *place = (u8 *)log.data + log.size;

	if (log.size + 12 + count > LOG_BYTES)
		return;
	memcpy(place, &now, 8);
	memcpy(place + 8, &address, 2);
	memcpy(place + 10, &count, 2);
	memcpy(place + 12, bytes, count);
	log.size += 12 + count;
}

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int number, place, microseconds;

	for (number = 0; number < count; number++) {
		struct i2c_msg *message = &messages[number];
		bool read = message->flags & I2C_M_RD;

		if (!(message->addr == SCREEN ? screen : message->addr == ENCODER && encoder))
			return -ENXIO;
		if (message->addr == SCREEN && read)
			return -EIO;
		if (!read)
			note(message->addr, message->buf, message->len);
		for (place = 0; message->addr == ENCODER && place < message->len; place++) {
			if (read)
				message->buf[place] = registers[pointer++];
			else if (place == 0)
				pointer = message->buf[0];
			else
				registers[pointer++] = message->buf[place];
		}
		microseconds = (message->len + 1) * NS_PER_BYTE / 1000;
		usleep_range(microseconds, microseconds + 50);
	}
	return count;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm algorithm = { .master_xfer = transfer, .functionality = functionality };

static struct i2c_adapter bus = { .owner = THIS_MODULE, .name = "fake", .algo = &algorithm, .nr = 1 };

static int __init begin(void)
{
	int status;

	log.data = vzalloc(LOG_BYTES);
	if (!log.data)
		return -ENOMEM;
	power_on();
	folder = debugfs_create_dir("fake_i2c", NULL);
	debugfs_create_blob("log", 0400, folder, &log);
	status = i2c_add_numbered_adapter(&bus);
	if (status) {
		debugfs_remove_recursive(folder);
		vfree(log.data);
	}
	return status;
}

static void __exit end(void)
{
	i2c_del_adapter(&bus);
	debugfs_remove_recursive(folder);
	vfree(log.data);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An I2C bus with a screen and an encoder for tests");
