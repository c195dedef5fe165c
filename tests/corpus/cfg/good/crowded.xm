name='crowded'#no blank
	 memory	=	256	# tabs
;;;vcpus=1;
;
  	 
pci = ['05:1d.0-3@7', '1d:0c.0,msitranslate=yes']
vif=[]#
#
##
#'
#"
#[
disk=[#
]#]
extra="a'b\"c#d[e]f;g=h"
root='\\\'\a\b\t\"'