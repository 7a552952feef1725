# Writes the files of this folder, with Keras 3.15 on Python 3.11. The name of the source becomes part of them:
# python -c "exec(compile(open('generate.py').read(), 'generate.py', 'exec'))" DIR
import os, sys
import keras, numpy as np
from keras import layers as L, ops
out=sys.argv[1]; os.makedirs(out,exist_ok=True)
keras.utils.set_random_seed(3)
def noisy(m):
    r=np.random.default_rng(5)
    m.set_weights([np.abs(r.normal(size=w.shape)).astype('float32')*.5 if 'variance' in w.path or 'gamma' in w.path else r.normal(size=w.shape).astype('float32')*.5 for w in m.weights])
    return m
x=keras.Input((4,),name='x'); y=keras.Input((3,),name='y')
inner=keras.Sequential([keras.Input((3,)),L.Dense(3,activation='relu'),L.BatchNormalization()],name='encoder')
sh=L.Dense(3,name='shared')
a=inner(sh(x[:, :3])); b=sh(y)
z=L.Lambda(lambda t: t[0]*t[1],name='product')([a,b])
z2=L.Lambda(lambda t,scale: t*scale+t[:, :1],arguments={'scale':0.5},name='scaled')(z)
o=L.Dense(2,name='logits')(z2); p=L.Dense(1,activation='sigmoid',name='score')(z2)
m=noisy(keras.Model([x,y],[o,p],name='two_heads')); m.compile('adam','mse')
m.save(out+'/two_heads.keras'); m.save(out+'/two_heads.h5')
open(out+'/two_heads.json','w').write(m.to_json())
m=noisy(keras.Sequential([keras.Input((5,)),L.Dense(4,activation='tanh'),L.Lambda(lambda t: t if t.shape[-1] == 4 else t * 2,name='kept'),L.Dense(2)],name='plain'))
m.save(out+'/plain.keras')
sc=3.0
m=keras.Sequential([keras.Input((2,)),L.Lambda(lambda t: t*sc,name='global_scale')],name='lost')
m.save(out+'/lost.keras')
def tripled(t): return t*3
m=keras.Sequential([keras.Input((2,)),L.Lambda(tripled,name='by_name')],name='named')
m.save(out+'/named.keras')
