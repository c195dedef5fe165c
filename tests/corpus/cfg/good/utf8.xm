 	
# Gast für die Büroräume — 測試
name = 'büro-€'
memory = 1024 # ½ GB wäre zu wenig
pci = ['06:1a.0-3@7', '1a:17.0,msitranslate=yes']
disk = ['/srv/диск.img,raw,xvda,w']
vif = ['vifname=vé,bridge=br0']
# vim: set ft=python :

