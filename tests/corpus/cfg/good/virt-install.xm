; # nothing
name = "f8-server"
uuid = "b1b6a2d4-9d70-22e5-b6a6-7c1f0d84f4b3"
maxmem = 768
memory = 512
vcpus = 1
bootloader = "/usr/bin/pygrub"
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "restart"
pci = ['07:1b.0-3@7', '1b:1e.0,msitranslate=yes']
disk = [ "tap:aio:/var/lib/xen/images/f8.img,xvda,w" ]
vif = [ "mac=00:16:3e:2b:74:55,bridge=xenbr0,script=vif-bridge" ]
vfb = [ "type=vnc,vncunused=1,keymap=en-us" ]
#