# -*- mode: python; -*-
# Network driver domain: owns the NICs, serves vifs to the others
name          = "netvm"
kernel        = "/usr/lib/kernel-netvm/vmlinuz"
ramdisk       = "/usr/lib/kernel-netvm/initramfs"
memory        = 300
maxmem        = 0x12c
vcpus         = 1
driver_domain = 1
iommu         = "soft"
extra         = "iommu=soft swiotlb=8192 ro root=/dev/xvda1"
e820_host     = 1
pci = ['06:1e.0-3@7', '1e:13.0,msitranslate=yes']
passthrough   = "enabled"
disk          = [ "script:/etc/xen/scripts/block-snap,/dev/vg/netvm,xvda1,r" ]
nomigrate     = 1



