name = "app"
name += "ending"
memory = 512
extra = "console=hvc0"
extra += " root=/dev/xvda"
extra += ' quiet'
disk = [ '/dev/a,raw,xvda,w' ]
disk += [ '/dev/b,raw,xvdb,w' ]
pci = ['04:1c.0-3@7', '1c:05.1,msitranslate=yes']
disk += []
disk+=['/dev/c,raw,xvdc,w',]
vif += [ 'bridge=br0' ]
vcpus = 1
vcpus += 2
