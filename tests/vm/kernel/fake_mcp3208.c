// SPDX-License-Identifier: GPL-2.0
/*
 * SPI bus 0, on whose chip select 0 an MCP3208 answers, clock by clock as in its data sheet (DS21298).
 *
 * /sys/module/fake_mcp3208/parameters: `counts` of its eight channels; `wire` 0 or 1 is a MISO that nobody drives and
 * that stays so, -1 a chip that answers; `refused` counts the transfers that a real chip would not have understood.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spi/spi.h>

#define HIGHEST_HERTZ 2000000

static int counts[8] = { 2048, 2048, 2048, 2048, 2048, 2048, 2048, 2048 };
module_param_array(counts, int, NULL, 0644);
static int wire = -1;
module_param(wire, int, 0644);
static int transfers;
module_param(transfers, int, 0444);
static int refused;
module_param(refused, int, 0444);

static struct platform_device *host_device;
static struct spi_controller *host;

static int bit_of(const u8 *bytes, int place)
{
	return bytes[place / 8] >> (7 - place % 8) & 1;
}

/* What the chip says during each clock of one fall of its chip select; it floats high while it says nothing. */
static void converse(const u8 *sent, u8 *answer, int bits)
{
	int start = 0, channel, place, said;

	memset(answer, 0xff, bits / 8);
	while (start < bits && !bit_of(sent, start))
		start++;
	/* Single-ended, three bits of the channel, a clock to sample in, a zero, twelve bits. */
	if (start + 19 > bits || !bit_of(sent, start + 1)) {
		refused++;
		return;
	}
	channel = bit_of(sent, start + 2) << 2 | bit_of(sent, start + 3) << 1 | bit_of(sent, start + 4);
	for (place = start + 6; place < start + 19; place++) {
		said = place == start + 6 ? 0 : READ_ONCE(counts[channel]) >> (start + 18 - place) & 1;
		if (!said)
			answer[place / 8] &= ~(1 << (7 - place % 8));
	}
}

static int transfer(struct spi_controller *controller, struct spi_device *device, struct spi_transfer *moved)
{
	static const u8 nothing[64];
	u8 answer[64];
	int wrong = moved->len > sizeof(answer) || moved->speed_hz > HIGHEST_HERTZ ||
		(device->mode & (SPI_CPHA | SPI_CPOL)) % 3 || (device->mode & SPI_CS_HIGH);

	transfers++;
	if (wrong) {
		refused++;
		return -EINVAL;
	}
	if (wire < 0)
		converse(moved->tx_buf ? moved->tx_buf : nothing, answer, 8 * moved->len);
	else
		memset(answer, wire ? 0xff : 0, moved->len);
	if (moved->rx_buf)
		memcpy(moved->rx_buf, answer, moved->len);
	return 0;
}

static void select(struct spi_device *device, bool high)
{
}

static struct spi_board_info chip = {
	/* Bound to spidev by its driver_override, as a maker's own device tree names it. */
	.modalias = "mcp3208",
	.max_speed_hz = HIGHEST_HERTZ,
	.bus_num = 0,
	.chip_select = 0,
};

static int __init begin(void)
{
	int status;

	host_device = platform_device_register_simple("fake_spi", -1, NULL, 0);
	if (IS_ERR(host_device))
		return PTR_ERR(host_device);
	host = spi_alloc_master(&host_device->dev, 0);
	if (!host) {
		platform_device_unregister(host_device);
		return -ENOMEM;
	}
	host->bus_num = 0;
	host->num_chipselect = 1;
	host->mode_bits = SPI_CPHA | SPI_CPOL | SPI_CS_HIGH;
	host->set_cs = select;
	host->transfer_one = transfer;
	status = spi_register_controller(host);
	if (status) {
		spi_controller_put(host);
		platform_device_unregister(host_device);
		return status;
	}
	return spi_new_device(host, &chip) ? 0 : -ENODEV;
}

static void __exit end(void)
{
	spi_unregister_controller(host);
	platform_device_unregister(host_device);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An SPI bus with an MCP3208 for tests");
