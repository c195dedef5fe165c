/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0's file systems and swap are on. */
#include "test-guard-host.h"

static void test_plain(void **state)
{
    (void)state;
    two_disks();
    block("zram0", "virtual/block/zram0", "252:0");
    attr("block", "zram0", "backing_dev", "none\n");
    put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
                       "/dev/zram0              partition\t1\t0\t100\n");
    mounts("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
           "23 22 0:5 / /proc rw - proc proc rw\n"
           "24 22 0:6 / /tmp rw - tmpfs  rw\n");
    expect("D / is on sda1, on 0000:00:1f.2\n");
}

static void test_grades(void **state)
{
    (void)state;
    two_disks();
    mounts("22 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
           "23 22 8:17 / /srv/with\\040blank rw - ext4 /dev/sdb1 rw\n");
    put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
                       "/dev/sda2               partition\t1\t0\t-2\n");
    expect("D /boot is on sda1, on 0000:00:1f.2\n"
           "U /srv/with\\040blank is on sdb1, on 0000:02:00.0\n"
           "D swap is on sda2, on 0000:00:1f.2\n");
}

static void test_lvm_on_md(void **state)
{
    (void)state;
    two_disks();
    block("sdc", HBA2, "8:32");
    stacked("dm-0", "vg0-srv\n", "253:0", "md0");
    stacked("md0", NULL, "9:0", "sda2 sdb1");
    mounts("22 1 253:0 / / rw - ext4 /dev/mapper/vg0-srv rw\n");
    expect("D / is on vg0-srv, on md0, on sda2, on 0000:00:1f.2\n"
           "D / is on vg0-srv, on md0, on sdb1, on 0000:02:00.0\n");
}

/* Partitions of an array have no slaves of their own. */
static void test_partitioned_md(void **state)
{
    (void)state;
    two_disks();
    stacked("md0", NULL, "9:0", "sda2");
    part("md0p1", "virtual/block/md0/md0p1", "259:0");
    mounts("22 1 259:0 / / rw - ext4 /dev/md0p1 rw\n");
    expect("D / is on md0p1, on sda2, on 0000:00:1f.2\n");
}

static void test_crypt_on_lvm(void **state)
{
    (void)state;
    two_disks();
    stacked("dm-0", "vg0-root\n", "253:0", "sda2");
    stacked("dm-1", "root_crypt\n", "253:1", "dm-0");
    mounts("22 1 253:1 / / rw - ext4 /dev/mapper/root_crypt rw\n");
    expect("D / is on root_crypt, on vg0-root, on sda2, on 0000:00:1f.2\n");
}

static void test_multipath(void **state)
{
    (void)state;
    block("sdb", HBA, "8:16");
    block("sdc", HBA2, "8:32");
    stacked("dm-0", "mpatha\n", "253:0", "sdb sdc");
    stacked("dm-1", "mpatha-part1\n", "253:1", "dm-0");
    mounts("22 1 253:1 / / rw - ext4 /dev/mapper/mpatha-part1 rw\n");
    expect("D / is on mpatha-part1, on mpatha, on sdb, on 0000:02:00.0\n"
           "D / is on mpatha-part1, on mpatha, on sdc, on 0000:03:00.0\n");
}

static void test_btrfs(void **state)
{
    (void)state;
    two_disks();
    block("sdc", HBA2, "8:32");
    put("/sys/fs/btrfs/features/raid56", "0\n");
    put("/sys/fs/btrfs/4ab1-22/devices/sda2", "");
    put("/sys/fs/btrfs/4ab1-22/devices/sdb1", "");
    put("/sys/fs/btrfs/5ab1-22/devices/sdc", "");
    mounts("22 1 0:31 /@ / rw - btrfs /dev/sda2 rw\n");
    expect("D / is on sda2, on 0000:00:1f.2\n"
           "D / is on sdb1, on 0000:02:00.0\n");
}

static void test_btrfs_on_crypt(void **state)
{
    (void)state;
    two_disks();
    stacked("dm-0", "luks-a\n", "253:0", "sda2");
    stacked("dm-1", "luks-b\n", "253:1", "sdb1");
    put("/sys/fs/btrfs/4ab1-22/devices/dm-0", "");
    put("/sys/fs/btrfs/4ab1-22/devices/dm-1", "");
    mounts("22 1 0:31 /@ / rw - btrfs /dev/mapper/luks-a rw\n");
    expect("D / is on luks-a, on sda2, on 0000:00:1f.2\n"
           "D / is on luks-b, on sdb1, on 0000:02:00.0\n");
}

/* "/dev/root" is what a kernel without an initrd mounts. */
static void test_btrfs_without_name(void **state)
{
    (void)state;
    two_disks();
    put("/sys/fs/btrfs/4ab1-22/devices/sdb1", "");
    mounts("22 1 0:31 / / rw - btrfs /dev/root rw\n"
           "23 22 8:1 / /srv rw - ext4 /dev/sda1 rw\n");
    expect("D / is perhaps on sda2, on 0000:00:1f.2\n"
           "D / is perhaps on sdb1, on 0000:02:00.0\n"
           "U /srv is on sda1, on 0000:00:1f.2\n");
}

static void test_bcachefs(void **state)
{
    (void)state;
    two_disks();
    mounts("22 1 0:31 / / rw - bcachefs /dev/sda2:/dev/sdb1 rw\n");
    expect("D / is on sda2, on 0000:00:1f.2\n"
           "D / is on sdb1, on 0000:02:00.0\n");
    /* free text, though it looks alike */
    mounts("22 1 0:31 / / rw - bcachefs /dev/sda2 rw\n"
           "24 22 0:22 / /dev/shm rw - tmpfs /dev/shm rw\n");
    expect("D / is on sda2, on 0000:00:1f.2\n");
}

/* All disks that nothing else is on. */
static void test_zfs(void **state)
{
    (void)state;
    two_disks();
    block("sdc", HBA2, "8:32");
    stacked("dm-5", "guest", "253:5", "sdb1");
    mounts("22 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
           "21 1 8:32 / /opt rw - ext4 /dev/sdc rw\n"
           "23 22 0:31 / / rw - zfs rp/ROOT/debian rw\n"
           "24 22 0:32 / /srv rw - zfs rp/srv rw\n");
    expect("D /boot is on sda1, on 0000:00:1f.2\n"
           "U /opt is on sdc, on 0000:03:00.0\n"
           "D / is on rp/ROOT/debian, perhaps on sda2, on 0000:00:1f.2\n"
           "D / is on rp/ROOT/debian, perhaps on sdb1, on 0000:02:00.0\n"
           "U /srv is on rp/srv, perhaps on sda2, on 0000:00:1f.2\n"
           "U /srv is on rp/srv, perhaps on sdb1, on 0000:02:00.0\n");
}

static void test_live_system(void **state)
{
    (void)state;
    two_disks();
    net("eth0", "pci0000:00/0000:00:19.0", "");
    mounts("22 1 0:30 / / rw - overlay overlay rw,lowerdir=/a\n"
           "23 22 0:31 / /srv/x rw - overlay overlay rw,lowerdir=/b\n"
           "24 22 8:1 / /srv rw - ext4 /dev/sda1 rw\n"
           "25 22 8:2 / /opt rw - ext4 /dev/sda2 rw\n");
    expect("D / is on overlay, perhaps on sdb1, on 0000:02:00.0\n"
           "D / is on overlay, perhaps on eth0, on 0000:00:19.0\n"
           "U /srv is on sda1, on 0000:00:1f.2\n"
           "U /opt is on sda2, on 0000:00:1f.2\n");
}

static void test_nvme(void **state)
{
    (void)state;
    block("nvme0n1", "pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/nvme0n1",
          "259:0");
    part("nvme0n1p2",
         "pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2",
         "259:2");
    mounts("22 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n");
    expect("D / is on nvme0n1p2, on 0000:01:00.0\n");
}

static void test_nvme_subsystem(void **state)
{
#define SUBSYS "virtual/nvme-subsystem/nvme-subsys0"
    (void)state;
    block("nvme0n1", SUBSYS "/nvme0n1", "259:1");
    part("nvme0n1p1", SUBSYS "/nvme0n1/nvme0n1p1", "259:2");
    device("nvme-subsystem", "nvme-subsys0", SUBSYS);
    put("/sys/devices/" SUBSYS "/nvme0", "");
    put("/sys/devices/" SUBSYS "/nvme1", "");
    device("nvme", "nvme0", "pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0");
    device("nvme", "nvme1", "pci0000:00/0000:00:1c.1/0000:04:00.0/nvme/nvme1");
    block("nvme0c0n1",
          "pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/nvme0c0n1", "259:3");
    mounts("22 1 259:2 / / rw - ext4 /dev/nvme0n1p1 rw\n");
    expect("D / is on nvme0n1p1, on nvme0, on 0000:01:00.0\n"
           "D / is on nvme0n1p1, on nvme1, on 0000:04:00.0\n");
}

static void test_nvme_tcp(void **state)
{
    (void)state;
    two_networks();
    block("nvme0n1", "virtual/nvme-fabrics/ctl/nvme0/nvme0n1", "259:1");
    device("nvme", "nvme0", "virtual/nvme-fabrics/ctl/nvme0");
    attr("nvme", "nvme0", "address", "traddr=192.168.7.9,trsvcid=4420\n");
    mounts("22 1 259:1 / / rw - ext4 /dev/nvme0n1 rw\n");
    expect(
        "D / is on nvme0n1, on nvme0, on eth1, on 0000:05:00.0\n" TWO_NETWORKS);
}

static void test_nvme_fc(void **state)
{
    (void)state;
    block("nvme0n1", "virtual/nvme-fabrics/ctl/nvme0/nvme0n1", "259:1");
    device("nvme", "nvme0", "virtual/nvme-fabrics/ctl/nvme0");
    attr("nvme", "nvme0", "address", "traddr=nn-0x20:pn-0x21\n");
    mounts("22 1 259:1 / / rw - ext4 /dev/nvme0n1 rw\n");
    expect_error(ENOTSUP, "'nvme0' is on 'traddr=nn-0x20:pn-0x21', which is "
                          "not followed");
}

static void test_iscsi(void **state)
{
    (void)state;
    two_networks();
    block("sda", "platform/host3/session1/target3:0:0/3:0:0:0/block/sda",
          "8:0");
    device("iscsi_connection", "connection1:0", "platform/c1");
    attr("iscsi_connection", "connection1:0", "persistent_address",
         "10.0.2.7\n");
    mounts("22 1 8:0 / / rw - ext4 /dev/sda rw\n");
    expect("D / is on sda, on eth0, on 0000:00:19.0\n" TWO_NETWORKS);
}

static void test_nfs(void **state)
{
    (void)state;
    two_networks();
    mounts("22 1 0:40 / / rw - nfs4 10.0.2.7:/r rw,vers=4.2,addr=10.0.2.7\n"
           "23 1 0:41 / /srv rw - nfs nas:/s rw,vers=4.2\n");
    expect(
        "D / is on 10.0.2.7:/r, on eth0, on 0000:00:19.0\n"
        "U /srv is on nas:/s, perhaps on eth0, on 0000:00:19.0\n"
        "U /srv is on nas:/s, perhaps on eth1, on 0000:05:00.0\n" TWO_NETWORKS);
}

static void test_nbd(void **state)
{
    (void)state;
    two_networks();
    net("eth2", "pci0000:00/0000:05:00.1", "");
    block("nbd0", "virtual/block/nbd0", "43:0");
    mounts("22 1 43:0 / / rw - ext4 /dev/nbd0 rw\n");
    expect("D / is on nbd0, perhaps on eth0, on 0000:00:19.0\n"
           "D / is on nbd0, perhaps on eth1, on 0000:05:00.0\n" TWO_NETWORKS);
}

/* No server can be guessed here: any disk and any card may carry it. */
static void test_unknown_kind(void **state)
{
    (void)state;
    two_disks();
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("tap0", "", "");
    block("etherd!e0.0", "virtual/block/etherd!e0.0", "152:0");
    mounts("22 1 152:0 / / rw - ext4 /dev/etherd/e0.0 rw\n"
           "23 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n"
           "24 1 8:2 / /opt rw - ext4 /dev/sda2 rw\n");
    expect("D / is on etherd!e0.0, perhaps on sdb1, on 0000:02:00.0\n"
           "D / is on etherd!e0.0, perhaps on eth0, on 0000:00:19.0\n"
           "U /srv is on sda1, on 0000:00:1f.2\n"
           "U /opt is on sda2, on 0000:00:1f.2\n");
}

/* A file is on its mount, by the longest mount point. */
static void test_files(void **state)
{
    (void)state;
    two_disks();
    block("loop0", "virtual/block/loop0", "7:0");
    attr("block", "loop0", "loop/backing_file", "/srv/img/root.img\n");
    block("zram0", "virtual/block/zram0", "252:0");
    attr("block", "zram0", "backing_dev", "/dev/sda2\n");
    mounts("21 1 7:0 / / rw - ext4 /dev/loop0 rw\n"
           "22 21 8:1 / /s rw - ext4 /dev/sda1 rw\n"
           "23 22 8:17 / /srv rw - ext4 /dev/sdb1 rw\n");
    put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
                       "/s/swap                 file\t1\t0\t-2\n"
                       "/dev/zram0              partition\t1\t0\t-2\n");
    expect("D / is on loop0, on /srv/img/root.img, on sdb1, on 0000:02:00.0\n"
           "U /s is on sda1, on 0000:00:1f.2\n"
           "U /srv is on sdb1, on 0000:02:00.0\n"
           "D swap is on /s/swap, on sda1, on 0000:00:1f.2\n"
           "D swap is on zram0, on sda2, on 0000:00:1f.2\n");
}

static void test_external_log(void **state)
{
    (void)state;
    two_disks();
    mounts("22 1 8:1 / /srv rw - xfs /dev/sda1 rw,logdev=/dev/sdb1,noquota\n");
    expect("U /srv is on sda1, on 0000:00:1f.2\n"
           "U /srv is on sdb1, on 0000:02:00.0\n");
}

/* Behind Intel's VMD; hiding it takes the disk away too. */
static void test_vmd(void **state)
{
    (void)state;
    block("nvme0n1",
          "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/"
          "nvme/nvme0/nvme0n1",
          "259:0");
    mounts("22 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
    expect("D / is on nvme0n1, on 0000:00:0e.0\n"
           "D / is on nvme0n1, on 10000:e1:00.0\n");
}

static void test_usb_disk(void **state)
{
    (void)state;
    block("sdd",
          "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/6:0:0:0/block/sdd",
          "8:48");
    mounts("22 1 8:48 / / rw - ext4 /dev/sdd rw\n");
    expect("D / is on sdd, on 0000:00:14.0\n");
}

/* An SD card of the board is on no PCI card. */
static void test_no_card(void **state)
{
    (void)state;
    two_disks();
    block("mmcblk0", "platform/80860F14:00/mmc_host/mmc0/mmc0:1/block/mmcblk0",
          "179:0");
    mounts("22 1 179:0 / / rw - ext4 /dev/mmcblk0 rw\n");
    expect("");
}

/* --- what cannot be followed --- */

static void test_loop_is_an_error(void **state)
{
    (void)state;
    stacked("dm-0", "a", "253:0", "dm-0");
    mounts("22 1 253:0 / / rw - ext4 /dev/dm-0 rw\n");
    expect_error(ELOOP, "'a' is on itself");
}

static void test_file_on_itself(void **state)
{
    (void)state;
    block("loop0", "virtual/block/loop0", "7:0");
    attr("block", "loop0", "loop/backing_file", "/root.img\n");
    mounts("22 1 7:0 / / rw - ext4 /dev/loop0 rw\n");
    expect_error(ELOOP, "is on itself");
}

static void test_missing(void **state)
{
    (void)state;
    two_disks();
    mounts("22 1 8:99 / / rw - ext4 /dev/sdx rw\n");
    expect_error(ENOENT, "'8:99', which '/' is on, is not in '");
    mounts("");
    put("/proc/swaps", "Filename\n/dev/sdx partition 1 0 -2\n");
    expect_error(ENOENT, "'/dev/sdx', which 'swap' is on, is not in '");
    put("/proc/swaps", "Filename\n");
    routes(ROUTES DEFAULT("eth0"));
    expect_error(ENOENT, "'eth0', which has a route, is not in '");
}

/* A recorded host without block devices: no disk is free because of that. */
static void test_zfs_without_disks(void **state)
{
    (void)state;
    mounts("22 1 0:31 / / rw - zfs rpool/ROOT rw\n");
    expect_error(ENOENT, "/sys/class/block' has no disk");
}

static void test_bad_lines(void **state)
{
    (void)state;
    mounts("22 1 8:1 / / rw,relatime ext4 /dev/sda1\n");
    expect_error(EINVAL, "mountinfo line '22 1 8:1 / / rw,relatime ext4 "
                         "/dev/sda1'");
    mounts("22 8:1 - ext4\n");
    expect_error(EINVAL, "mountinfo line '22 8:1 - ext4'");
    mounts("");
    routes(ROUTES "eth0\t00000000\n");
    expect_error(EINVAL, "route line 'eth0\t00000000'");
    routes(ROUTES);
    put("/proc/net/ipv6_route", NONE " zz " NONE "\n");
    expect_error(EINVAL, "ipv6_route line '");
    put("/proc/net/ipv6_route", "");
    put("/proc/net/tcp", TCP "   0: nonsense\n");
    expect_error(EINVAL, "tcp line '   0: nonsense'");
}

static void test_unreadable(void **state)
{
    (void)state;
    two_disks();
    mounts("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    put("/proc/swaps/oddly-a-directory", "");
    expect_error(EISDIR, "/proc/swaps'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),
        TEST(test_grades),
        TEST(test_lvm_on_md),
        TEST(test_partitioned_md),
        TEST(test_crypt_on_lvm),
        TEST(test_multipath),
        TEST(test_btrfs),
        TEST(test_btrfs_on_crypt),
        TEST(test_btrfs_without_name),
        TEST(test_bcachefs),
        TEST(test_zfs),
        TEST(test_live_system),
        TEST(test_nvme),
        TEST(test_nvme_subsystem),
        TEST(test_nvme_tcp),
        TEST(test_nvme_fc),
        TEST(test_iscsi),
        TEST(test_nfs),
        TEST(test_nbd),
        TEST(test_unknown_kind),
        TEST(test_files),
        TEST(test_external_log),
        TEST(test_vmd),
        TEST(test_usb_disk),
        TEST(test_no_card),
        TEST(test_loop_is_an_error),
        TEST(test_file_on_itself),
        TEST(test_missing),
        TEST(test_zfs_without_disks),
        TEST(test_bad_lines),
        TEST(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
